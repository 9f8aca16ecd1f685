import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

// The viewer lives at "/" of the twind server. With `npm run dev` the data
// comes from a server at TWIND_URL.
export default defineConfig(({ mode }) => {
  const server = loadEnv(mode, '.', 'TWIND_').TWIND_URL ?? 'http://127.0.0.1:8080';
  const proxied = [
    '/viewer/config.json',
    '/styles',
    '/tiles',
    '/ogc',
    '/search',
    '/sprites',
    '/3d',
    '/raster',
  ];
  return {
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      target: 'es2022',
      outDir: 'dist',
      emptyOutDir: true,
      assetsDir: 'assets',
      // Nothing inline: the Content-Security-Policy knows neither data: scripts nor data: styles.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1600,
      rolldownOptions: { checks: { pluginTimings: false } },
    },
    worker: { format: 'es' },
    server: {
      host: '127.0.0.1',
      proxy: {
        ...Object.fromEntries(proxied.map(path => [path, { target: server }])),
        '/live': { target: server, ws: true },
      },
    },
    test: { include: ['src/**/*.test.{ts,tsx}'], environment: 'node' },
  };
});
