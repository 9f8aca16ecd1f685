import './wall.css';
import './queue.css';
import './cases.css';
import './overlay.css';
import './markers.css';
import './replay.css';
import './shapes.css';
import { useEffect, useMemo } from 'preact/hooks';
import { StoreProvider } from '../app/context';
import type { Store } from '../app/store';
import { useScreen } from '../app/useScreen';
import { tags, textIn } from '../i18n';
import { MapCanvas } from '../panels/MapCanvas';
import { Notices } from '../panels/Notices';
import { applyTheme } from '../theme/apply';
import { browserStorage } from '../url/preferences';
import { AlarmClasses } from './AlarmClasses';
import { AlarmQueue } from './AlarmQueue';
import { Cases } from './Cases';
import { Clock } from './Clock';
import { ConnectionNotice } from './ConnectionNotice';
import { WallProvider } from './context';
import { FocusCard } from './FocusCard';
import { FollowChip } from './FollowChip';
import { MapBar } from './MapBar';
import { MapSources } from './MapSources';
import { ReplayBanner } from './ReplayBanner';
import { ReplayBar } from './ReplayBar';
import { Sources } from './Sources';
import { useKeys } from './useKeys';
import { useMarkers } from './useMarkers';
import { WallState } from './wallState';

/** The operator's screen of a command centre. */
export function WallApp({ store }: { store: Store }) {
  const wall = useMemo(() => new WallState(store, browserStorage()), [store]);
  const language = store.language.value;
  const theme = store.theme.value;
  useEffect(() => applyTheme(theme), [theme]);
  useEffect(() => {
    document.documentElement.lang = tags[language];
    document.title = `${textIn(store.config.title, language, 'twind')} · twind`;
  }, [language, store]);
  useEffect(() => () => wall.dispose(), [wall]);
  useScreen(true);
  useKeys(wall);
  useMarkers(wall);
  const replaying = wall.inReplay.value;
  return (
    <StoreProvider value={store}>
      <WallProvider value={wall}>
        <div class={`wall${replaying ? ' replaying' : ''}`}>
          <aside class="wall-side" aria-label={wall.words.value.sources.title}>
            <Clock />
            <Sources />
            <AlarmClasses />
          </aside>
          <main class="wall-map">
            <MapCanvas />
            <MapBar />
            <div class="map-notices">
              <ReplayBanner />
              <ConnectionNotice />
            </div>
            <div class="map-foot">
              <FollowChip />
              <FocusCard />
            </div>
            <MapSources />
            <Notices />
          </main>
          <aside class="wall-side" aria-label={wall.words.value.queue.title}>
            <AlarmQueue />
            <Cases />
          </aside>
          <ReplayBar />
        </div>
        <div class={`veil${store.opened.value ? ' gone' : ''}`} aria-hidden={store.opened.value}>
          <p>{store.words.value.app.loading}</p>
        </div>
      </WallProvider>
    </StoreProvider>
  );
}
