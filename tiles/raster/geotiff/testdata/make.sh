#!/bin/sh
# Makes the samples of this folder from a DEM with GDAL 3.6: make.sh DEM.tif
set -eu
cut="gdal_translate -q -srcwin 480 520 75 61"
t() { out=$1; shift; gdal_translate -q "$@" "$out"; rm -f "$out.aux.xml"; }
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
$cut "$1" "$tmp/i16.tif"
gdal_translate -q -ot Float64 -scale 0 1000 -3.25 129.7 -a_nodata none "$tmp/i16.tif" "$tmp/f64.tif"
gdal_translate -q -ot Byte -scale 0 300 1 255 -a_nodata none "$tmp/i16.tif" "$tmp/u8.tif"
gdal_merge.py -q -separate -o "$tmp/rgb.tif" "$tmp/u8.tif" "$tmp/u8.tif" "$tmp/u8.tif"
gdal_translate -q -co PHOTOMETRIC=RGB -b 1 -b 2 -b 3 -scale_2 1 255 255 1 -scale_3 1 255 64 128 "$tmp/rgb.tif" "$tmp/rgb3.tif"

t int16-none.tif "$tmp/i16.tif"
t int16-lzw-tiles.tif -co COMPRESS=LZW -co PREDICTOR=2 -co TILED=YES -co BLOCKXSIZE=32 -co BLOCKYSIZE=16 "$tmp/i16.tif"
t int16-packbits-big-endian.tif -co COMPRESS=PACKBITS -co ENDIANNESS=BIG "$tmp/i16.tif"
t int32-deflate-bigtiff.tif -ot Int32 -a_nodata -32767 -co COMPRESS=DEFLATE -co PREDICTOR=2 -co BIGTIFF=YES -co ENDIANNESS=BIG "$tmp/i16.tif"
t uint16-zstd.tif -ot UInt16 -a_nodata 0 -co COMPRESS=ZSTD -co PREDICTOR=2 "$tmp/i16.tif"
t float32-deflate.tif -ot Float32 -co COMPRESS=DEFLATE -co PREDICTOR=3 -co TILED=YES -co BLOCKXSIZE=16 -co BLOCKYSIZE=32 "$tmp/f64.tif"
t float32-lzw-big-endian.tif -ot Float32 -co COMPRESS=LZW -co PREDICTOR=2 -co ENDIANNESS=BIG "$tmp/f64.tif"
t float64-deflate.tif -co COMPRESS=DEFLATE -co PREDICTOR=3 "$tmp/f64.tif"
t uint8-planar.tif -co INTERLEAVE=BAND -co COMPRESS=DEFLATE "$tmp/rgb3.tif"
t uint8-pixel.tif -co INTERLEAVE=PIXEL -co COMPRESS=LZW -co PREDICTOR=2 -co TILED=YES -co BLOCKXSIZE=32 -co BLOCKYSIZE=32 "$tmp/rgb3.tif"
t uint8-jpeg.tif -co COMPRESS=JPEG -co PHOTOMETRIC=YCBCR -co TILED=YES -co BLOCKXSIZE=32 -co BLOCKYSIZE=32 "$tmp/rgb3.tif"
t overviews.tif -co COMPRESS=DEFLATE -co TILED=YES -co BLOCKXSIZE=32 -co BLOCKYSIZE=32 "$tmp/i16.tif"
gdaladdo -q -r average --config GDAL_TIFF_OVR_BLOCKSIZE 64 overviews.tif 2 4
gdal_translate -q -ot Byte -scale 100 101 0 255 -a_nodata none "$tmp/i16.tif" "$tmp/m.tif"
gdal_merge.py -q -separate -o "$tmp/4.tif" "$tmp/rgb3.tif" "$tmp/m.tif"
t mask.tif -b 1 -b 2 -b 3 -mask 4 --config GDAL_TIFF_INTERNAL_MASK YES -co COMPRESS=DEFLATE "$tmp/4.tif"
for f in *.tif; do gdal_translate -q -of ENVI -co INTERLEAVE=BSQ "$f" "$tmp/raw" 2>/dev/null && gzip -9nc "$tmp/raw" >"${f%.tif}.raw.gz"; rm -f "$tmp"/raw*; done
