import { useStore } from '../app/context';
import { textIn } from '../i18n';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { useWall } from './context';

/** The places of the city, and what changes the page itself. */
export function MapBar() {
  const store = useStore();
  const wall = useWall();
  const words = store.words.value;
  const language = store.language.value;
  const dark = store.theme.value === 'dark';
  const { bookmarks } = store.config;
  return (
    <div class="map-bar">
      {bookmarks.length > 0 && (
        <nav class="map-places wall-card" aria-label={words.places.label}>
          {bookmarks.map(bookmark => (
            <button
              type="button"
              key={bookmark.id}
              class="map-place"
              data-bookmark={bookmark.id}
              {...(store.bookmark.value === bookmark.id ? { 'aria-current': 'true' as const } : {})}
              onClick={() => store.open(bookmark)}
            >
              {textIn(bookmark.title, language, bookmark.id)}
            </button>
          ))}
        </nav>
      )}
      <div class="map-tools wall-card">
        <IconButton icon="plus" label={words.map.zoomIn} onClick={() => store.zoomBy(1)} />
        <IconButton icon="minus" label={words.map.zoomOut} onClick={() => store.zoomBy(-1)} />
        <IconButton
          label={words.language.switch}
          onClick={() => store.setLanguage(language === 'zh' ? 'en' : 'zh')}
        >
          <span class="language" lang={language === 'zh' ? 'en' : 'zh-CN'}>
            {words.language.short}
          </span>
        </IconButton>
        <IconButton
          icon={dark ? 'sun' : 'moon'}
          label={dark ? words.theme.toLight : words.theme.toDark}
          onClick={() => store.setTheme(dark ? 'light' : 'dark')}
        />
        <a
          class="icon-button"
          href={`/?lang=${language}&theme=${store.theme.value}`}
          aria-label={wall.words.value.desk}
          title={wall.words.value.desk}
        >
          <Icon name="desk" />
        </a>
      </div>
    </div>
  );
}
