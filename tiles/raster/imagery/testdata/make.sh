#!/bin/sh
# Makes the images of the tests with GDAL 3.6: a pattern over lower Manhattan.
set -e
cd "$(dirname "$0")"
rm -f ./*.tif
python3 - <<'PY'
import array, math
n = 400
with open('pattern.ppm', 'wb') as f:
    f.write(b'P6 %d %d 255\n' % (n, n))
    b = bytearray()
    for y in range(n):
        for x in range(n):
            ring = int(127 + 120 * math.sin(math.hypot(x - 200, y - 200) / 18))
            b += bytes((x * 255 // n, y * 255 // n, ring))
    f.write(b)
PY
gdal_translate -q -a_srs EPSG:4326 -a_ullr -74.02 40.72 -73.99 40.697 pattern.ppm src.tif
gdal_translate -q -of COG -co TILING_SCHEME=GoogleMapsCompatible -co COMPRESS=JPEG -co QUALITY=60 -co ADD_ALPHA=NO src.tif jpeg.tif
gdal_translate -q -of COG -co TILING_SCHEME=GoogleMapsCompatible -co COMPRESS=DEFLATE -co PREDICTOR=YES src.tif alpha.tif
gdal_translate -q -of COG -co TILING_SCHEME=GoogleMapsCompatible -co BLOCKSIZE=512 -co COMPRESS=JPEG -co QUALITY=50 src.tif mask512.tif
gdalwarp -q -t_srs EPSG:32618 -ts 40 40 -co COMPRESS=DEFLATE src.tif utm.tif
gdalwarp -q -t_srs EPSG:3857 -tr 60 60 -co COMPRESS=DEFLATE -co TILED=YES src.tif offgrid.tif
rm -f pattern.ppm src.tif ./*.aux.xml
