// Opens what the operations on nodes work with, from their arguments.
import { openIronic, type Ironic } from '../clients/ironic/api.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { openCloud, openHttp, type ConnectionArguments } from '../runtime/connect.js';
import type { handlingFields } from './fields.js';
import { createImageChecks } from './images.js';
import type { NodeRun, NodeSettings, World } from './run.js';

type HandlingArguments = ArgumentsOf<typeof handlingFields>;

export function settingsOf(
  args: HandlingArguments,
  { secretsKey, ...rest }: Pick<NodeSettings, 'goal' | 'configdrive' | 'validates' | 'secretsKey'>,
): NodeSettings {
  return {
    ...rest,
    purge: new Set(args.purge),
    updateSecrets: args.update_secrets,
    secretsKey,
    forceInUse: args.force_in_use,
    move: args.move,
    withMaintenance: args.with_maintenance,
    stateTimeoutSeconds: args.state_timeout,
    lockTimeoutSeconds: args.lock_timeout,
  };
}

export interface RunParts {
  readonly context: Context;
  readonly settings: NodeSettings;
  readonly worldOf: (ironic: Ironic) => Promise<World>;
  /** Looks at the cloud before anything else is asked. */
  readonly admit?: (cloud: Cloud) => void;
}

/** Logs in and agrees on the version. */
export async function openRun(
  args: HandlingArguments & ConnectionArguments,
  { context, settings, worldOf, admit }: RunParts,
): Promise<NodeRun> {
  const cloud = await openCloud(args, context);
  admit?.(cloud);
  const ironic = await openIronic(cloud);
  const sources = {
    cloud,
    http: openHttp(args, context),
    minor: ironic.minor,
    allowedPaths: args.file_url_allowed_paths,
    signal: context.signal,
  };
  return {
    ironic,
    context,
    settings,
    images: args.check_images ? createImageChecks(sources) : undefined,
    world: await worldOf(ironic),
  };
}
