import { useStore } from '../app/context';
import { Icon } from '../ui/Icon';

/** Leads to the operator's screen, where there is anything live to show. */
export function WallLink() {
  const store = useStore();
  const { wall } = store.words.value.map;
  if (store.config.live === '') return null;
  return (
    <a
      class="icon-button"
      href={`/?screen=wall&lang=${store.language.value}`}
      aria-label={wall}
      title={wall}
      data-wall
    >
      <Icon name="wall" />
    </a>
  );
}
