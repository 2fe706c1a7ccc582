import { serve } from './ansible/serve.js';
import { imageReport } from './images/report/operation.js';
await serve(imageReport);
