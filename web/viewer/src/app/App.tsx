import { useEffect } from 'preact/hooks';
import { tags, textIn } from '../i18n';
import { ExcavationPanel } from '../panels/ExcavationPanel';
import { FeaturePanel } from '../panels/FeaturePanel';
import { Footer } from '../panels/Footer';
import { LayerPanel } from '../panels/LayerPanel';
import { MapCanvas } from '../panels/MapCanvas';
import { MapControls } from '../panels/MapControls';
import { MeasurePanel } from '../panels/MeasurePanel';
import { Notices } from '../panels/Notices';
import { SectionPanel } from '../panels/SectionPanel';
import { TopBar } from '../panels/TopBar';
import { applyTheme } from '../theme/apply';
import { parseUrl } from '../url/state';
import { StoreProvider } from './context';
import type { Store } from './store';
import { useCovered } from './useCovered';
import { useElbowRoom } from './useElbowRoom';
import { useScreen } from './useScreen';

/** The whole page. */
export function App({ store }: { store: Store }) {
  const language = store.language.value;
  const theme = store.theme.value;
  useEffect(() => applyTheme(theme), [theme]);
  useEffect(() => {
    document.documentElement.lang = tags[language];
    document.title = `${textIn(store.config.title, language, 'twind')} · twind`;
  }, [language, store]);
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Escape' && store.selection.value) store.pick([]);
      else if (event.key === 'Escape' && store.measuring.phase.value !== 'off') store.measure(false);
      else if (event.key === 'Escape' && store.section.phase.value !== 'off') store.cutSection(false);
      else if (event.key === 'Escape' && store.excavation.phase.value !== 'off') store.excavate(false);
      else if (event.key === 'l' || event.key === 'L') store.setLayersOpen(!store.layersOpen.value);
      else if (/^[1-9]$/.test(event.key)) {
        const bookmark = store.config.bookmarks[Number(event.key) - 1];
        if (bookmark) store.open(bookmark);
      }
    };
    window.addEventListener('keydown', keys);
    return () => window.removeEventListener('keydown', keys);
  }, [store]);
  useEffect(() => {
    const goToHash = () => {
      const { camera } = parseUrl('', location.hash);
      if (camera) store.goTo(camera);
    };
    window.addEventListener('hashchange', goToHash);
    return () => window.removeEventListener('hashchange', goToHash);
  }, [store]);
  useCovered(store);
  useElbowRoom(store);
  useScreen(false);
  return (
    <StoreProvider value={store}>
      <MapCanvas />
      <TopBar />
      <LayerPanel />
      <FeaturePanel />
      <ExcavationPanel />
      <MeasurePanel />
      <SectionPanel />
      <MapControls />
      <Footer />
      <Notices />
      <div class={`veil${store.opened.value ? ' gone' : ''}`} aria-hidden={store.opened.value}>
        <p>{store.words.value.app.loading}</p>
      </div>
    </StoreProvider>
  );
}
