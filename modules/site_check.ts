import { serve } from './ansible/serve.js';
import { siteCheck } from './images/check/operation.js';
await serve(siteCheck);
