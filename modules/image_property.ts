import { serve } from './ansible/serve.js';
import { imageProperty } from './operations/image-property/operation.js';
await serve(imageProperty);
