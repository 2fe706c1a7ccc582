import { serve } from './ansible/serve.js';
import { imageCache } from './operations/image-cache/operation.js';
await serve(imageCache);
