import { serve } from './ansible/serve.js';
import { imageClean } from './images/clean/operation.js';
await serve(imageClean);
