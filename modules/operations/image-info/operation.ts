// image_info: what the site has, in words of this system. Only reads.
import picomatch from 'picomatch';
import validate from '#validators/image_info';
import type { Image } from '../../clients/glance/images.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { markers, releaseProperty, stateOf } from '../../policy/images.js';
import { openCloud } from '../connect.js';
import { readProjectNames } from '../project-names.js';
import { readSiteImages } from '../site-images.js';
import { declaration } from './declaration.js';

type InfoArguments = ArgumentsOf<(typeof declaration)['fields']>;

export const imageInfo: Operation<(typeof declaration)['fields']> = { ...declaration, validate, run: describeImages };

async function describeImages(args: InfoArguments, context: Context): Promise<Outcome> {
  const cloud = await openCloud(args, context);
  const matches = args.images ? picomatch([...args.images]) : () => true;
  const found = (await readSiteImages(cloud))
    .map((image) => describeImage(image, { owner: cloud.projectId, prefix: args.image_prefix, now: context.now() }))
    .filter(({ id, name, state, production_name }) => args.state.includes(state) && (matches(name) || matches(id) || matches(production_name ?? name)))
    .sort(byNameThenNewest);
  const projectNames = found.length > 0 ? await readProjectNames(cloud, context) : new Map<string, string>();
  const images = found.map((image) => withOwnerName(image, projectNames));
  return {
    changed: false,
    message: images.length === 1 ? '1 image' : `${images.length} images`,
    values: { images },
    failures: [],
    warnings: [],
    differences: [],
    table: {
      columns: ['IMAGE', 'RELEASE', 'STATE', 'STATUS', 'VISIBILITY', 'OWNER', 'SIZE', 'AGE', 'ID'],
      rows: images.map((image) => [
        image.name,
        image.release ?? '',
        image.state,
        image.status,
        image.hidden ? `${image.visibility}, hidden` : image.visibility,
        image.owned_by_us ? 'us' : (image.owner_name ?? image.owner),
        image.bytes === undefined ? '' : `${(image.bytes / 2 ** 20).toFixed(1)} MiB`,
        `${image.age_days} d`,
        image.id,
      ]),
    },
  };
}

type Description = ReturnType<typeof describeImage>;

function withOwnerName(image: Description, projectNames: ReadonlyMap<string, string>): Description & { readonly owner_name?: string } {
  const name = projectNames.get(image.owner);
  return name === undefined ? image : { ...image, owner_name: name };
}

function describeImage(image: Image, site: { owner: string; prefix: string; now: Date }) {
  const { state, productionName } = stateOf(image, site.owner, site.prefix);
  const release = image.properties[releaseProperty];
  const supersededAt = image.properties[markers.supersededAt];
  return {
    id: image.id,
    name: image.name,
    ...(productionName === undefined ? {} : { production_name: productionName }),
    ...(release === undefined ? {} : { release }),
    state,
    managed: state !== 'unmanaged',
    status: image.status,
    visibility: image.visibility,
    hidden: image.os_hidden,
    owner: image.owner,
    owned_by_us: image.owner === site.owner,
    ...(image.disk_format === undefined ? {} : { disk_format: image.disk_format }),
    ...(image.size === undefined ? {} : { bytes: image.size }),
    created_at: image.created_at,
    age_days: Math.max(0, Math.floor((site.now.getTime() - Date.parse(image.created_at)) / 86_400_000)),
    ...(supersededAt === undefined ? {} : { superseded_at: supersededAt }),
  };
}

function byNameThenNewest(one: Description, other: Description): number {
  const byName = (one.production_name ?? one.name).localeCompare(other.production_name ?? other.name, 'en');
  if (byName !== 0) return byName;
  return one.created_at < other.created_at ? 1 : -1;
}
