/** Icons of 20 × 20, strokes of 1.6, drawn for the viewer. */
const paths = {
  layers: 'M10 3 2.800 7 10 11l7.200-4zM3 10.500l7 3.900 7-3.900M3 14l7 3.900 7-3.900',
  search: 'M8.800 3.200a5.600 5.600 0 1 0 0 11.200 5.600 5.600 0 0 0 0-11.200zM13 13l4 4',
  close: 'M5 5l10 10M15 5 5 15',
  chevron: 'M7.500 5l5 5-5 5',
  plus: 'M10 4v12M4 10h12',
  minus: 'M4 10h12',
  sun: 'M10 6.700a3.300 3.300 0 1 0 0 6.600 3.300 3.300 0 0 0 0-6.600zM10 2v1.800M10 16.200V18M2 10h1.800M16.200 10H18M4.300 4.300l1.300 1.300M14.400 14.400l1.300 1.300M4.300 15.700l1.300-1.300M14.400 5.600l1.300-1.300',
  moon: 'M16.500 11.800A7 7 0 0 1 8.200 3.500a7 7 0 1 0 8.300 8.300z',
  expand: 'M3.500 8V3.500H8M12 3.500h4.500V8M16.500 12v4.500H12M8 16.500H3.500V12',
  shrink: 'M8 3.500V8H3.500M16.500 8H12V3.500M12 16.500V12h4.500M3.500 12H8v4.500',
  tilt: 'M5.500 6.500h9l3 8h-15zM3 10.500h14M10 6.500v8',
  flat: 'M3.500 3.500h13v13h-13zM3.500 10h13M10 3.500v13',
  underground:
    'M2.500 6.500h15M5 6.500 3.800 9M10 6.500 8.800 9M15 6.500 13.800 9M2.500 13.500h15M2.500 16.500h15M6 12v6M14 12v6',
  excavate: 'M2.500 5h3.500l2 9h4l2-9h3.500M9 9.500h2M2.500 17h15',
  measure: 'M2.500 13 13 2.500 17.500 7 7 17.500zM5.500 10l2 2M8 7.500l3 3M10.500 5l2 2',
  section:
    'M2.500 6h15M4 6v10.500h12V6M10 2.500v15M6.500 11a1.500 1.500 0 1 0 3 0 1.500 1.500 0 1 0-3 0M12 13.500h2.500',
  copy: 'M7 7h9.500v9.500H7zM4.500 13H3.500V3.500H13v1',
  link: 'M11 3.500h5.500V9M16.500 3.500l-8 8M8 4.500H3.500v12h12V12',
  target:
    'M10 5.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10 2v3.500M10 14.500V18M2 10h3.500M14.500 10H18',
  follow: 'M10 2.500l5.500 14L10 13.300 4.500 16.500z',
  warning: 'M10 3 1.800 17h16.400zM10 8v4.300M10 14.600v.1',
  retry: 'M16 6.500A7 7 0 1 0 17 10M16.500 2.500v4.300h-4.300',
  check: 'M4 10.500l4 4 8-9',
  sound:
    'M3 7.800v4.400h3L10 15.800V4.200L6 7.800zM13 7.500a3.800 3.800 0 0 1 0 5M15.300 5a7.200 7.200 0 0 1 0 10',
  mute: 'M3 7.800v4.400h3L10 15.800V4.200L6 7.800zM13.500 8l4 4M17.500 8l-4 4',
  play: 'M6 3.800v12.400L16 10z',
  pause: 'M6.500 4v12M13.500 4v12',
  wall: 'M2.500 4h15v10h-15zM7.500 4v10M12.500 4v10M2.500 9h15M6 17h8',
  desk: 'M2.500 4h15v9.500h-15zM7 17h6M10 13.500V17',
} as const;

export type IconName = keyof typeof paths;

/** An icon; words beside it or the button's label say what it means. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      class="icon"
      width={`${size / 16}rem`}
      height={`${size / 16}rem`}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
