import { serve } from './ansible/serve.js';
import { imageCache } from './cache/operation.js';
await serve(imageCache);
