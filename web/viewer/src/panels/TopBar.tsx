import { useStore } from '../app/context';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { LiveBadge } from './LiveBadge';
import { Places } from './Places';
import { SearchBox } from './SearchBox';

/** The top of the page: city, search, places, connection, language and theme. */
export function TopBar() {
  const store = useStore();
  const words = store.words.value;
  const dark = store.theme.value === 'dark';
  const open = store.layersOpen.value;
  return (
    <header class="top">
      <div class="top-left card">
        <button
          type="button"
          class="icon-button"
          aria-label={open ? words.layers.close : words.layers.open}
          title={open ? words.layers.close : words.layers.open}
          aria-expanded={open}
          aria-controls="layers-panel"
          onClick={() => store.setLayersOpen(!open)}
        >
          <Icon name="layers" />
        </button>
        <SearchBox />
      </div>
      <Places />
      <div class="top-right card">
        <LiveBadge />
        <span class="divider" />
        <IconButton
          label={words.language.switch}
          onClick={() => store.setLanguage(store.language.value === 'zh' ? 'en' : 'zh')}
        >
          <span class="language" lang={store.language.value === 'zh' ? 'en' : 'zh-CN'}>
            {words.language.short}
          </span>
        </IconButton>
        <IconButton
          icon={dark ? 'sun' : 'moon'}
          label={dark ? words.theme.toLight : words.theme.toDark}
          onClick={() => store.setTheme(dark ? 'light' : 'dark')}
        />
      </div>
    </header>
  );
}
