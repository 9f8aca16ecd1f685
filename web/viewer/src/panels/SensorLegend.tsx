import { useStore } from '../app/context';
import { formatNumber } from '../format/number';
import { allConditions } from '../readings/looks';
import { readingWords } from '../readings/words';
import { Switch } from '../ui/Switch';

/** How many objects with sensors are in which condition: the legend of their rings, with a switch. */
export function SensorLegend() {
  const { readings, language } = useStore();
  void readings.revision.value;
  const counts = readings.counts();
  if (allConditions.every(condition => counts[condition] === 0)) return null;
  const words = readingWords[language.value];
  const shown = readings.shown.value;
  return (
    <footer class={`sensor-legend${shown ? '' : ' off'}`}>
      <div class="sensor-legend-head">
        <h3>{words.sensors}</h3>
        <Switch
          on={shown}
          label={shown ? words.hide : words.show}
          onChange={visible => readings.show(visible)}
        />
      </div>
      <ul>
        {allConditions.map(condition => (
          <li key={condition} class={`reading-mark ${condition}`}>
            <span class="state-shape" aria-hidden="true" />
            {words.condition[condition]}
            <span class="count">{formatNumber(counts[condition], language.value)}</span>
          </li>
        ))}
      </ul>
    </footer>
  );
}
