import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../app/context';
import { IconButton } from '../ui/Button';
import { WallLink } from './WallLink';

/** Zoom, compass, tilt, tools and other screens. */
export function MapControls() {
  const store = useStore();
  const { map: words } = store.words.value;
  return (
    <div class="controls">
      <div class="controls-group card">
        <IconButton icon="plus" label={words.zoomIn} onClick={() => store.zoomBy(1)} />
        <IconButton icon="minus" label={words.zoomOut} onClick={() => store.zoomBy(-1)} />
      </div>
      <div class="controls-group card">
        {!store.flat.value && <MapTools />}
        <WallLink />
        <FullscreenButton />
      </div>
    </div>
  );
}

/** What a flat map cannot do: turn, tilt, measure, and look below the ground. */
function MapTools() {
  const store = useStore();
  const { map: words, excavation, measure, section } = store.words.value;
  const measuring = store.measuring.phase.value !== 'off';
  const cutting = store.section.phase.value !== 'off';
  const excavating = store.excavation.phase.value !== 'off';
  const { bearing, pitch } = store.camera.value;
  return (
    <>
      <IconButton label={words.north} onClick={() => store.northUp()}>
        <Compass bearing={bearing} pitch={pitch} />
      </IconButton>
      <IconButton
        icon={pitch > 5 ? 'flat' : 'tilt'}
        label={pitch > 5 ? words.flat : words.tilt}
        onClick={() => store.tilt(pitch > 5 ? 0 : 60)}
      />
      <IconButton
        icon="measure"
        label={measuring ? measure.close : measure.open}
        pressed={measuring}
        onClick={() => store.measure(!measuring)}
      />
      {store.config.layers.some(({ kind, tileset }) => tileset !== '' && kind === 'pipe') && (
        <>
          <IconButton
            icon="underground"
            label={store.underground.value ? words.aboveGround : words.underground}
            pressed={store.underground.value}
            onClick={() => store.setUnderground(!store.underground.value)}
          />
          <IconButton
            icon="excavate"
            label={excavating ? excavation.close : excavation.open}
            pressed={excavating}
            onClick={() => store.excavate(!excavating)}
          />
          <IconButton
            icon="section"
            label={cutting ? section.close : section.open}
            pressed={cutting}
            onClick={() => store.cutSection(!cutting)}
          />
        </>
      )}
    </>
  );
}

function Compass({ bearing, pitch }: { bearing: number; pitch: number }) {
  const lean = Math.cos((pitch * Math.PI) / 180);
  return (
    <svg
      class="icon"
      width="1.5rem"
      height="1.5rem"
      viewBox="-12 -12 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <g transform={`scale(1 ${lean.toFixed(3)}) rotate(${(-bearing).toFixed(1)})`}>
        <path class="compass-north" d="M0-10.500 4 0h-8z" />
        <path class="compass-south" d="M0 10.500-4 0h8z" />
      </g>
    </svg>
  );
}

function FullscreenButton() {
  const words = useStore().words.value.map;
  const [full, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const changed = () => setFull(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  if (!document.fullscreenEnabled) return null;
  const toggle = () => {
    const done = full ? document.exitFullscreen() : document.documentElement.requestFullscreen();
    done.catch(() => setFull(document.fullscreenElement !== null));
  };
  return (
    <IconButton
      icon={full ? 'shrink' : 'expand'}
      label={full ? words.exitFullscreen : words.fullscreen}
      onClick={toggle}
    />
  );
}
