import { serve } from './ansible/serve.js';
import { imagePublish } from './images/publish/operation.js';
await serve(imagePublish);
