/** One of a few, side by side. */
export function Choice<T extends string>({
  label,
  options,
  chosen,
  choose,
}: {
  label: string;
  options: { id: T; text: string }[];
  chosen: T;
  choose: (id: T) => void;
}) {
  return (
    <fieldset class="choice" aria-label={label}>
      {options.map(({ id, text }) => (
        <button key={id} type="button" aria-pressed={id === chosen} onClick={() => choose(id)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}
