import { serve } from './ansible/serve.js';
import { ipaTest } from './ipa/operation.js';
await serve(ipaTest);
