/** Above so many new alarms in the window it is a flood, until there are fewer than `over` (ISA-18.2). */
const flooded = 10;
const over = 5;
const windowMs = 10 * 60_000;
const mostTimes = 1000;

/** Tells whether alarms come faster than a person can see to them. */
export class FloodWatch {
  private times: number[] = [];
  private on = false;

  /** Notes when an alarm came, milliseconds since 1970. */
  note(time: number): void {
    this.times.push(time);
    if (this.times.length > mostTimes) this.times = this.times.slice(-mostTimes);
  }

  /** How many came in the last ten minutes, while that is too many; 0 otherwise. */
  count(now: number): number {
    this.times = this.times.filter(time => time > now - windowMs);
    const count = this.times.length;
    if (count > flooded) this.on = true;
    else if (count < over) this.on = false;
    return this.on ? count : 0;
  }
}
