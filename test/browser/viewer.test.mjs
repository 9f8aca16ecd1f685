import { viewerTests } from './suite.mjs';

viewerTests('the viewer over a GeoPackage');
