import { serve } from './ansible/serve.js';
import { imageDeploy } from './images/deploy/operation.js';
await serve(imageDeploy);
