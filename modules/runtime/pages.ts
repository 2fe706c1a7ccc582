// The pages that the documents of the operations refer to: those of the services, and our own.
import type { Page } from '../core/operation.js';

/** Where the handbook is read. */
export const handbookUrl = 'https://github.com/ChameleonCloud/chameleon_image_tools/blob/main/docs';
const references = 'https://docs.openstack.org/api-ref';

export const imageApi: Page = {
  title: 'Image service API',
  url: `${references}/image/v2/`,
  description: 'Reference of the API of Glance.',
};

export const objectStoreApi: Page = {
  title: 'Object Storage API',
  url: `${references}/object-store/`,
  description: 'Reference of the API of Swift.',
};

export const bareMetalApi: Page = {
  title: 'Bare Metal service API',
  url: `${references}/baremetal/`,
  description: 'Reference of the API of Ironic.',
};

export const computeApi: Page = {
  title: 'Compute service API',
  url: `${references}/compute/`,
  description: 'Reference of the API of Nova.',
};

export const reservationApi: Page = {
  title: 'Reservation service API',
  url: `${references}/reservation/`,
  description: 'Reference of the API of Blazar.',
};

export const dailyUsePage: Page = {
  title: 'Daily use',
  url: `${handbookUrl}/daily-use.md`,
  description: 'How to deploy, list and retire images, day by day.',
};

export const reportPage: Page = {
  title: 'A page about the images',
  url: `${handbookUrl}/report.md`,
  description: 'What the page shows, and how the role writes it after each run.',
};

export const deployingPage: Page = {
  title: 'What is deployed, and what is refused',
  url: `${handbookUrl}/deploying-images.md`,
  description: 'How images are verified.',
};

export const storePage: Page = {
  title: 'A store of your own',
  url: `${handbookUrl}/image-store.md`,
  description: 'The tree of a store, and how to provide one with Swift, Ceph, S3 or a web server.',
};

export const testingPage: Page = {
  title: 'Testing IPA images',
  url: `${handbookUrl}/testing-ipa-images.md`,
  description: 'How a pair of images is tested on one node and rolled out.',
};

export const enrollingPage: Page = {
  title: 'Enrolling nodes',
  url: `${handbookUrl}/enrolling-nodes.md`,
  description: 'How nodes are brought into Ironic, one by one or from an inventory.',
};

export const preparingPage: Page = {
  title: 'Preparing images',
  url: `${handbookUrl}/preparing-images.md`,
  description: 'How images are cached on the conductors.',
};

export const loginsPage: Page = {
  title: 'Logins',
  url: `${handbookUrl}/logins.md`,
  description: 'How clouds.yaml, environment variables, proxies and certificates are read.',
};

export const checkingPage: Page = {
  title: 'Checking a site',
  url: `${handbookUrl}/checking.md`,
  description: 'What is checked before a run, and how to use it for monitoring.',
};
