import { serve } from './ansible/serve.js';
import { imageInfo } from './images/info/operation.js';
await serve(imageInfo);
