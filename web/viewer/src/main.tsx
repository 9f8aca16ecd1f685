import 'maplibre-gl/dist/maplibre-gl.css';
import './styles/index.css';
import { render } from 'preact';
import { start } from './app/start';
import { installWorker } from './map/worker';

const root = document.getElementById('app');
if (!root) throw new Error('index.html has no element #app');
installWorker();
void start(view => render(view, root));
