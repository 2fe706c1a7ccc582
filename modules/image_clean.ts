import { serve } from './ansible/serve.js';
import { imageClean } from './operations/image-clean/operation.js';
await serve(imageClean);
