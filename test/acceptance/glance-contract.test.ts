import { describeGlance } from '../sandbox/glance.contract.js';
import type { GlanceTarget } from '../sandbox/glance.contract.js';
import { fact, readCloud, tokenOf } from './cloud.js';
import { makeContainer } from './swift-container.js';

describeGlance('the real service', connect);

async function connect(): Promise<GlanceTarget> {
  const cloud = readCloud();
  const admin = { token: await tokenOf(cloud, 'admin'), projectId: fact(cloud, 'admin_project_id') };
  const demo = { token: await tokenOf(cloud, 'demo'), projectId: fact(cloud, 'demo_project_id') };
  const { containerUrl, put, close } = await makeContainer(cloud);
  return {
    url: fact(cloud, 'glance_url'),
    admin,
    demo,
    publish: async (content) => {
      await put('content', content);
      return `${containerUrl}/content`;
    },
    missingSource: `${containerUrl}/missing`,
    // The mail server's port is the one that the test cloud forbids.
    refusedSource: 'http://127.0.0.1:25/content',
    close,
  };
}
