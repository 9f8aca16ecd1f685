import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../app/context';
import type { Selection } from '../app/selection';
import { formatAge, formatMoment } from '../format/age';
import { textIn } from '../i18n';
import { formatReading } from '../readings/amount';
import { curveOf, type Interval, readHistory } from '../readings/history';
import { alarmUrl, type OpenAlarm, readAlarms } from '../readings/openAlarms';
import { conditionOf, type Reading } from '../readings/readings';
import { readingWords } from '../readings/words';

const hour = 3_600_000;
const again = 30_000; // ms between two readings of the history

/** What sensors say of the picked object: each value with its age and its last hour, and open alarms. */
export function ObjectReadings({ selection }: { selection: Selection }) {
  const store = useStore();
  void store.readings.revision.value;
  const { layer, id } = selection;
  const object = store.readings.of(layer, id);
  if (!object) return null;
  const words = readingWords[store.language.value];
  const urgent = object.condition === 'alarm' || object.condition === 'warning';
  return (
    <section class="readings" aria-label={words.title}>
      {urgent && <Alarms layer={layer} feature={id} />}
      {[...object.readings]
        .sort((a, b) => (a.property < b.property ? -1 : 1))
        .map(reading => (
          <ReadingRow key={`${layer}/${id}/${reading.property}`} reading={reading} />
        ))}
    </section>
  );
}

function ReadingRow({ reading }: { reading: Reading }) {
  const store = useStore();
  void store.clock.value; // ages grow
  const language = store.language.value;
  const words = readingWords[language];
  const condition = conditionOf(reading);
  const now = store.feed?.serverNow() ?? Number.NaN;
  return (
    <div class={`reading ${condition}`}>
      <div class="reading-head">
        <span class="reading-name">{textIn(reading.name, language, reading.property)}</span>
        <span class="reading-state">
          <span class="state-shape" aria-hidden="true" />
          {words.condition[condition]} · {formatAge(now - reading.time, language)}
        </span>
      </div>
      <div class="reading-body">
        <span class="reading-value">{formatReading(reading, language)}</span>
        {typeof reading.value === 'number' && <Sparkline reading={reading} />}
      </div>
    </div>
  );
}

const [width, height] = [180, 44];

/** The last hour of a reading as a small curve, with its lowest and highest value. */
function Sparkline({ reading }: { reading: Reading }) {
  const store = useStore();
  const language = store.language.value;
  const words = readingWords[language];
  const [past, setPast] = useState<Interval[]>([]);
  const { layer, feature, property, unit, value, time } = reading;
  useEffect(() => {
    const request = new AbortController();
    const read = () =>
      readHistory(layer, feature, property, Date.now(), request.signal).then(setPast, () => {
        // What is known stays; the next reading asks again.
      });
    void read();
    const timer = setInterval(() => void read(), again);
    return () => {
      request.abort();
      clearInterval(timer);
    };
  }, [layer, feature, property]);
  const latest = typeof value === 'number' ? [{ time, min: value, mean: value, max: value }] : [];
  const all = [...past.filter(interval => interval.time < time), ...latest];
  const curve = curveOf(all, time - hour, time, width, height);
  if (!curve) return null;
  const range = words.range(
    formatReading({ value: curve.low, unit }, language),
    formatReading({ value: curve.high, unit }, language),
  );
  return (
    <figure class="reading-past">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={range}>
        <title>{range}</title>
        <path class="reading-area" d={curve.area} />
        <path class="reading-line" d={curve.line} />
      </svg>
      <figcaption class="quiet">{range}</figcaption>
    </figure>
  );
}

/** The open alarms of an object. */
function Alarms({ layer, feature }: { layer: string; feature: string }) {
  const store = useStore();
  const language = store.language.value;
  const words = readingWords[language];
  const [alarms, setAlarms] = useState<OpenAlarm[]>([]);
  useEffect(() => {
    const request = new AbortController();
    const read = () =>
      readAlarms(layer, feature, request.signal).then(setAlarms, () => {
        // The server has no alarms to tell of, or does not answer: the ring says enough.
      });
    void read();
    const timer = setInterval(() => void read(), 4000);
    return () => {
      request.abort();
      clearInterval(timer);
    };
  }, [layer, feature]);
  return (
    <>
      {alarms.map(alarm => (
        <a
          key={alarm.id}
          class={`reading-alarm ${alarm.state}`}
          href={alarmUrl(alarm.id)}
          target="_blank"
          rel="noreferrer"
          title={words.open}
        >
          <strong>{textIn(alarm.title, language, words.alarm)}</strong>
          <span>
            {words.since(formatMoment(alarm.time, language))}
            {alarm.owner && ` · ${words.acknowledged(alarm.owner)}`}
          </span>
        </a>
      ))}
    </>
  );
}
