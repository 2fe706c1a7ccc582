// The states of Ironic's nodes and the verbs between them (ironic/common/states.py, from 2024 on
// state_machine.py).

/** How a verb goes on from a state: through these states, the last of them at rest. */
type Way = readonly string[];

/** By state, then by what the machine calls the verb. */
const ways: Readonly<Record<string, Readonly<Record<string, Way>>>> = {
  enroll: { manage: ['verifying', 'manageable'] },
  manageable: {
    provide: ['cleaning', 'available'],
    clean: ['cleaning', 'manageable'],
    inspect: ['inspecting', 'manageable'],
    adopt: ['adopting', 'active'],
  },
  available: { deploy: ['deploying', 'active'], manage: ['manageable'] },
  active: {
    rebuild: ['deploying', 'active'],
    delete: ['deleting', 'cleaning', 'available'],
    rescue: ['rescuing', 'rescue'],
    service: ['servicing', 'active'],
  },
  error: { rebuild: ['deploying', 'active'], delete: ['deleting', 'cleaning', 'available'] },
  'wait call-back': { delete: ['deleting', 'cleaning', 'available'], abort: ['deploy failed'] },
  'deploy hold': { abort: ['deploy failed'], unhold: ['wait call-back', 'deploying', 'active'] },
  'deploy failed': {
    deploy: ['deploying', 'active'],
    rebuild: ['deploying', 'active'],
    delete: ['deleting', 'cleaning', 'available'],
  },
  'clean wait': { abort: ['clean failed'] },
  'clean hold': { abort: ['clean failed'], unhold: ['clean wait', 'cleaning', 'available'] },
  'clean failed': { manage: ['manageable'] },
  'inspect wait': { abort: ['inspect failed'] },
  'inspect failed': { manage: ['manageable'], inspect: ['inspecting', 'manageable'] },
  'adopt failed': { manage: ['manageable'], adopt: ['adopting', 'active'] },
  rescue: {
    rescue: ['rescuing', 'rescue'],
    unrescue: ['unrescuing', 'active'],
    delete: ['deleting', 'cleaning', 'available'],
  },
  'rescue wait': { abort: ['rescue failed'], delete: ['deleting', 'cleaning', 'available'] },
  'rescue failed': {
    rescue: ['rescuing', 'rescue'],
    unrescue: ['unrescuing', 'active'],
    delete: ['deleting', 'cleaning', 'available'],
  },
  'unrescue failed': {
    rescue: ['rescuing', 'rescue'],
    unrescue: ['unrescuing', 'active'],
    delete: ['deleting', 'cleaning', 'available'],
  },
  'service wait': { abort: ['service failed'], delete: ['deleting', 'cleaning', 'available'] },
  'service hold': {
    abort: ['service failed'],
    service: ['servicing', 'active'],
    unhold: ['service wait', 'servicing', 'active'],
  },
  'service failed': {
    service: ['servicing', 'active'],
    rescue: ['rescuing', 'rescue'],
    abort: ['active'],
    delete: ['deleting', 'cleaning', 'available'],
  },
};

const aliases: Readonly<Record<string, string>> = { active: 'deploy', deleted: 'delete', undeploy: 'delete' };

/** The minor version that brought a verb; the others were always there. */
const verbSince: Readonly<Record<string, number>> = {
  manage: 4,
  provide: 4,
  inspect: 6,
  abort: 13,
  clean: 15,
  adopt: 17,
  rescue: 38,
  unrescue: 38,
  deploy: 73,
  unhold: 85,
  service: 87,
};

/** Where a node waits for its ramdisk to call, by the state before; its lock is free meanwhile. */
const waits: Readonly<Record<string, string>> = {
  deploying: 'wait call-back',
  cleaning: 'clean wait',
  inspecting: 'inspect wait',
  rescuing: 'rescue wait',
  servicing: 'service wait',
};

const failures: Readonly<Record<string, string>> = {
  verifying: 'enroll',
  cleaning: 'clean failed',
  'clean wait': 'clean failed',
  deploying: 'deploy failed',
  'wait call-back': 'deploy failed',
  deleting: 'error',
  inspecting: 'inspect failed',
  'inspect wait': 'inspect failed',
  adopting: 'adopt failed',
  rescuing: 'rescue failed',
  'rescue wait': 'rescue failed',
  unrescuing: 'unrescue failed',
  servicing: 'service failed',
  'service wait': 'service failed',
};

/**
 * `UPDATE_ALLOWED_STATES`: a node in these may be changed although it is on its way, or has failed
 * to get there.
 */
const editable = [
  'deploy failed',
  'inspecting',
  'inspect failed',
  'inspect wait',
  'clean failed',
  'error',
  'verifying',
  'adopt failed',
  'rescue failed',
  'unrescue failed',
  'service failed',
  'service hold',
];

export const allStates: readonly string[] = [
  ...new Set([
    ...Object.keys(ways),
    ...Object.values(ways).flatMap((verbs) => Object.values(verbs).flat()),
    ...Object.keys(failures),
  ]),
];

/** What the machine calls the verb. */
export function eventOf(verb: string): string {
  return aliases[verb] ?? verb;
}

export function isVerbKnown(verb: string, minor: number): boolean {
  return (verbSince[verb] ?? 1) <= minor;
}

/** Undefined where the verb is of no use in the state. */
export function wayOf(state: string, verb: string, minor: number): Way | undefined {
  // Deployments can be aborted since 1.110 only.
  if (eventOf(verb) === 'abort' && state === 'wait call-back' && minor < 110) return undefined;
  // conductor/manager.py has that case since then.
  if (eventOf(verb) === 'abort' && state === 'service failed' && minor < 101) return undefined;
  return ways[state]?.[eventOf(verb)];
}

/** Whether a state is waited in. */
export function isWait(state: string): boolean {
  return Object.values(waits).includes(state);
}

/**
 * The way with the state to wait in, and the one before once more behind it, where `isWanted` says
 * so.
 */
export function withWaits(way: Way, isWanted: (state: string) => boolean): Way {
  return way.flatMap((state) => {
    const wait = waits[state];
    return wait !== undefined && isWanted(wait) ? [state, wait, state] : [state];
  });
}

/** Where a failure leads to; what fails before it is locked stays where it is. */
export function failureOf(state: string): string {
  return failures[state] ?? state;
}

/** What is left behind by `abort`. */
export const abortErrors: Readonly<Record<string, string>> = {
  'clean failed': 'By request, the clean operation was aborted',
  'rescue failed': 'By request, the rescue operation was aborted.',
  'inspect failed': 'Inspection was aborted by request.',
};

/** A state that the machine calls stable has no target; those of failures keep theirs. */
export function isStable(state: string): boolean {
  return ['enroll', 'manageable', 'available', 'active', 'error', 'rescue'].includes(state);
}

export function isEditable(state: string, target: string | null, minor: number): boolean {
  if (state === 'inspecting' && minor >= 39) return false;
  return target === null || editable.includes(state);
}
