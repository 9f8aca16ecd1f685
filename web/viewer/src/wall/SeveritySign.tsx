import type { Severity } from './alarm';

/** Shapes that tell severities apart without colour. */
const shapes: Record<Severity, string> = {
  critical: 'M10 1.500 18.500 10 10 18.500 1.500 10z',
  major: 'M10 2.500 18.500 17.500H1.500z',
  minor: 'M3 3h14v14H3z',
  info: 'M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16z',
};
const marks: Record<Severity, string> = {
  critical: 'M10 5.500v5.500M10 13.800v.2',
  major: 'M10 7.500v4.500M10 14.600v.2',
  minor: 'M10 6v5M10 13.800v.2',
  info: 'M10 9.500v5M10 6v.2',
};

/** A severity as a sign: a diamond, triangle, square or circle. Words beside it say what it means. */
export function SeveritySign({ severity, label }: { severity: Severity; label: string }) {
  return (
    <svg class={`severity ${severity}`} viewBox="0 0 20 20" role="img" aria-label={label}>
      <title>{label}</title>
      <path class="severity-shape" d={shapes[severity]} />
      <path class="severity-mark" d={marks[severity]} />
    </svg>
  );
}
