import { useWall } from './context';
import { longestOwner } from './preferences';

/** Under which name this desk acknowledges and closes. */
export function OwnerField() {
  const wall = useWall();
  const words = wall.words.value.owner;
  return (
    <label class="owner-field" title={words.hint}>
      <span class="visually-hidden">{words.label}</span>
      <input
        type="text"
        value={wall.owner.value}
        placeholder={words.fallback}
        maxLength={longestOwner}
        spellcheck={false}
        autocomplete="off"
        onInput={event => wall.setOwner(event.currentTarget.value)}
      />
    </label>
  );
}
