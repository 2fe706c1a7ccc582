import { serve } from './ansible/serve.js';
import { imageProperty } from './images/property/operation.js';
await serve(imageProperty);
