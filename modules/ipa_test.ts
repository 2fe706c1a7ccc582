import { serve } from './ansible/serve.js';
import { ipaTest } from './operations/ipa-test/operation.js';
await serve(ipaTest);
