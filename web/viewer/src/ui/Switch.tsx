/** An on/off switch that keyboards and screen readers know as one. */
export function Switch({
  on,
  mixed = false,
  label,
  onChange,
}: {
  on: boolean;
  mixed?: boolean;
  label: string;
  onChange: (on: boolean) => void;
}) {
  return (
    <button
      type="button"
      role="switch"
      class={`switch${mixed ? ' switch-mixed' : ''}`}
      aria-checked={on}
      aria-label={label}
      title={label}
      onClick={() => onChange(!on)}
    >
      <span class="switch-knob" />
    </button>
  );
}
