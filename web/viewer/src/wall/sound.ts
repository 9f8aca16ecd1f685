import { type Signal, signal } from '@preact/signals';
import type { Severity } from './alarm';

/** blocked: wanted, but the browser wants a click first. */
export type SoundState = 'off' | 'on' | 'blocked';

/** Milliseconds between two sounds, however many alarms come. */
const pauseMs = 2500;
const tones: Record<Severity, readonly number[]> = {
  critical: [880, 660, 880, 660],
  major: [784, 587],
  minor: [587],
  info: [],
};

/** The sound of new alarms: short tones by severity, made by the browser itself. */
export class AlarmSound {
  readonly state: Signal<SoundState> = signal('off');
  private context: AudioContext | undefined;
  private last = Number.NEGATIVE_INFINITY;

  constructor(private readonly page: Pick<Window, 'addEventListener' | 'removeEventListener'>) {}

  /** Switches the sound; the first time this has to come from a click, else the state is `blocked` until one. */
  set(on: boolean): void {
    if (!on) {
      this.forgetGestures();
      this.state.value = 'off';
      void this.context?.suspend();
      return;
    }
    try {
      this.context ??= new AudioContext();
    } catch {
      this.state.value = 'off';
      return;
    }
    this.state.value = this.context.state === 'running' ? 'on' : 'blocked';
    this.listenForGestures();
    void this.resume();
  }

  /** Sounds for an alarm. */
  play(severity: Severity, now = performance.now()): void {
    const { context } = this;
    if (this.state.value !== 'on' || !context || now - this.last < pauseMs) return;
    this.last = now;
    for (const [i, hertz] of tones[severity].entries()) tone(context, hertz, context.currentTime + i * 0.22);
  }

  dispose(): void {
    this.forgetGestures();
    void this.context?.close();
    this.context = undefined;
  }

  private readonly resume = async (): Promise<void> => {
    const { context } = this;
    if (!context || this.state.value === 'off') return;
    await context.resume();
    if (context.state !== 'running' || (this.state.value as SoundState) === 'off') return;
    this.state.value = 'on';
    this.forgetGestures();
  };

  private listenForGestures(): void {
    this.page.addEventListener('pointerdown', this.resume);
    this.page.addEventListener('keydown', this.resume);
  }

  private forgetGestures(): void {
    this.page.removeEventListener('pointerdown', this.resume);
    this.page.removeEventListener('keydown', this.resume);
  }
}

function tone(context: AudioContext, hertz: number, at: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.type = 'triangle';
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.25, at + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.001, at + 0.2);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.21);
}
