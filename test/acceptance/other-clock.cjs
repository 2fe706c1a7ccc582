// Loaded before a program by NODE_OPTIONS=--require: its clock is CLOCK_AHEAD seconds ahead of the machine's.
const Real = Date;
const ahead = Number(process.env.CLOCK_AHEAD) * 1000;

globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + ahead);
    else super(...given);
  }

  static now() {
    return Real.now() + ahead;
  }
};
