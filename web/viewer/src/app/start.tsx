import type { ComponentChild } from 'preact';
import type { Config } from '../config/config';
import { parseConfig } from '../config/parse';
import { dictionaries, preferredLanguage, tags } from '../i18n';
import { connect } from '../live/connect';
import { applyTheme } from '../theme/apply';
import type { Theme } from '../theme/tokens';
import { browserStorage, loadPreferences } from '../url/preferences';
import { type Camera, parseUrl } from '../url/state';
import { App } from './App';
import { loadFonts } from './fonts';
import { fetchJson, HttpError } from './http';
import { Splash } from './Splash';
import { applyScreen } from './screen';
import { cameraOfBookmark, Store, screenSize } from './store';
import { takeToken } from './token';

/** Opens the page: preferences and address, then the server's config, then the map. */
export async function start(show: (view: ComponentChild) => void): Promise<void> {
  const storage = browserStorage();
  const preferences = loadPreferences(storage);
  takeToken();
  const url = parseUrl(location.search, location.hash);
  const language = url.language ?? preferences.language ?? preferredLanguage(navigator.languages);
  const theme = url.theme ?? preferences.theme ?? preferredTheme(url.screen === 'wall');
  const words = dictionaries[language];
  const scale = applyScreen(url.screen === 'wall');
  applyTheme(theme);
  document.documentElement.lang = tags[language];
  show(<Splash text={words.app.loading} />);

  const open = async (): Promise<void> => {
    let config: Config;
    try {
      const [answer] = await Promise.all([fetchJson('/viewer/config.json'), loadFonts()]);
      config = parseConfig(answer);
    } catch (error) {
      const reached = error instanceof HttpError || !(error instanceof TypeError);
      show(
        <Splash
          text={reached ? words.config.invalid : words.config.failed}
          action={words.app.retry}
          onAction={() => void retry()}
        />,
      );
      return;
    }
    const bookmark =
      config.bookmarks.find(({ id }) => id === url.bookmark) ??
      (url.camera ? undefined : config.bookmarks[0]);
    const store = new Store({
      config,
      feed: connect(config, url.entities === 'all'),
      language,
      theme,
      camera: url.camera ?? (bookmark ? cameraOfBookmark(bookmark, screenSize()) : wholeCity(config)),
      bookmark: bookmark?.id,
      wall: url.screen === 'wall',
      narrow: window.innerWidth < 900,
      scale,
      preferences,
      storage,
    });
    if (url.screen === 'wall') await showWall(store);
    else show(<App store={store} />);
  };
  /** The operator's screen is fetched by those who ask for it. */
  const showWall = async (store: Store): Promise<void> => {
    try {
      const { WallApp } = await import('../wall/WallApp');
      show(<WallApp store={store} />);
    } catch {
      show(<Splash text={words.config.failed} action={words.app.retry} onAction={() => location.reload()} />);
    }
  };
  const retry = (): Promise<void> => {
    show(<Splash text={words.app.loading} />);
    return open();
  };
  await open();
}

function preferredTheme(wall: boolean): Theme {
  return wall || !window.matchMedia('(prefers-color-scheme: light)').matches ? 'dark' : 'light';
}

/** A camera over everything, for a city without bookmarks. */
function wholeCity(config: Config): Camera {
  const box = [...config.layers, ...config.bases].find(({ bbox }) => bbox)?.bbox;
  if (!box) return { lon: 0, lat: 20, zoom: 2, bearing: 0, pitch: 0 };
  const [west, south, east, north] = box;
  const zoom = Math.max(2, Math.min(16, Math.log2(360 / Math.max(1e-4, east - west)) + 1));
  return { lon: (west + east) / 2, lat: (south + north) / 2, zoom, bearing: 0, pitch: 0 };
}
