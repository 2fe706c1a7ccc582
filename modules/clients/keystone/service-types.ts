// Names of services, by the service types authority of OpenStack, and which version of each API these tools speak.

interface ServiceType {
  /** The present name first, then those that it had. */
  readonly names: readonly string[];
  /** Major version. */
  readonly version: number;
  /** Whether the version is part of the URL that requests are appended to; elsewhere callers name it, as in `/v2/images`. */
  readonly isInRoot: boolean;
}

const serviceTypes: readonly ServiceType[] = [
  { names: ['image'], version: 2, isInRoot: false },
  { names: ['baremetal', 'bare-metal'], version: 1, isInRoot: false },
  { names: ['identity'], version: 3, isInRoot: false },
  { names: ['network'], version: 2, isInRoot: false },
  { names: ['reservation'], version: 1, isInRoot: false },
  { names: ['inventory'], version: 1, isInRoot: false },
  { names: ['compute', 'computev21'], version: 2, isInRoot: true },
  { names: ['block-storage', 'block-store', 'volumev3', 'volume', 'volumev2'], version: 3, isInRoot: true },
  { names: ['object-store', 'object-storage'], version: 1, isInRoot: true },
];

/** All names of all services that are known here. */
export const serviceNames: readonly string[] = serviceTypes.flatMap(({ names }) => names);

export function serviceTypeOf(name: string): ServiceType | undefined {
  return serviceTypes.find(({ names }) => names.includes(name));
}

/** Every name of a service; the one that is asked for first. */
export function namesOf(name: string): readonly string[] {
  return [name, ...(serviceTypeOf(name)?.names ?? []).filter((other) => other !== name)];
}

/** `block_storage` as the catalogue has it. */
export function nameInCatalogue(name: string): string {
  return name.replaceAll('_', '-');
}
