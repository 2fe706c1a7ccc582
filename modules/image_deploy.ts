import { serve } from './ansible/serve.js';
import { imageDeploy } from './operations/image-deploy/operation.js';
await serve(imageDeploy);
