import { serve } from './ansible/serve.js';
import { imageInfo } from './operations/image-info/operation.js';
await serve(imageInfo);
