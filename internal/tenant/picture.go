package tenant

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"

	"countersign/internal/fault"
)

// Limits of a picture that a company sends in: bytes of the file, and pixels on a side.
const (
	MaxPictureBytes = 512 << 10
	MaxPictureSide  = 2000
)

// What is left of it: three times what pages draw, for screens with small pixels.
const (
	keptWidth  = 600
	keptHeight = 192
)

var (
	// ErrPictureSize is a file with more than MaxPictureBytes.
	ErrPictureSize = fault.New(fault.Invalid, "brand.logo_too_large")

	errPictureKind   = fault.New(fault.Invalid, "brand.logo_kind")
	errPictureSide   = fault.New(fault.Invalid, "brand.logo_side")
	errPictureBroken = fault.New(fault.Invalid, "brand.logo_broken")
)

// Picture is an image that we have drawn again ourselves.
type Picture struct {
	PNG           []byte
	Width, Height int
}

// codec reads one kind of image.
type codec struct {
	magic  string // how its files begin
	config func(file []byte) (image.Config, error)
	decode func(file []byte) (image.Image, error)
}

// codecs are the kinds that are taken. SVG is none of them, because it can hold scripts. What a browser calls a file
// does not matter.
var codecs = []codec{
	{
		"\x89PNG\r\n\x1a\n",
		func(file []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(file)) },
		func(file []byte) (image.Image, error) { return png.Decode(bytes.NewReader(file)) },
	},
	{
		"\xff\xd8\xff",
		func(file []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(file)) },
		func(file []byte) (image.Image, error) {
			// Each scan of a JPEG goes through the whole image: a small file of a thousand takes minutes.
			if bytes.Count(file, startOfScan) > maxScans {
				return nil, errManyScans
			}
			return jpeg.Decode(bytes.NewReader(file))
		},
	},
}

// Programs write about ten scans, and no other bytes of a JPEG's image data look like the beginning of one.
const maxScans = 64

var (
	startOfScan  = []byte("\xff\xda") // ITU-T T.81, table B.1
	errManyScans = errors.New("a JPEG of too many scans")
)

// ReadPicture decodes a PNG or JPEG and encodes it again, so that only an image is left of a file: no script, no
// metadata, nothing behind its end. The size is read before anything is decoded, and a larger image is made smaller.
func ReadPicture(file []byte) (Picture, error) {
	if len(file) > MaxPictureBytes {
		return Picture{}, ErrPictureSize
	}
	for _, c := range codecs {
		if bytes.HasPrefix(file, []byte(c.magic)) {
			return c.read(file)
		}
	}
	return Picture{}, errPictureKind
}

func (c codec) read(file []byte) (Picture, error) {
	size, err := c.config(file)
	if err != nil {
		return Picture{}, errPictureBroken.Because(err)
	}
	if min(size.Width, size.Height) < minLogoSide || max(size.Width, size.Height) > MaxPictureSide {
		return Picture{}, errPictureSide
	}
	img, err := c.decode(file)
	if err != nil {
		return Picture{}, errPictureBroken.Because(err)
	}
	small := shrink(img, keptWidth, keptHeight)
	var out bytes.Buffer
	if err := png.Encode(&out, small); err != nil {
		return Picture{}, fmt.Errorf("encode logo: %w", err)
	}
	return Picture{PNG: out.Bytes(), Width: small.Rect.Dx(), Height: small.Rect.Dy()}, nil
}

// shrink draws img again, no larger than width and height. Each pixel is the average of those that it stands for.
func shrink(img image.Image, width, height int) *image.RGBA {
	b := img.Bounds()
	whole := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(whole, whole.Rect, img, b.Min, draw.Src)
	scale := min(1, float64(width)/float64(b.Dx()), float64(height)/float64(b.Dy()))
	if scale == 1 {
		return whole
	}
	w, h := max(int(float64(b.Dx())*scale), 1), max(int(float64(b.Dy())*scale), 1)
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			from := image.Rect(x*b.Dx()/w, y*b.Dy()/h, (x+1)*b.Dx()/w, (y+1)*b.Dy()/h)
			average(small.Pix[small.PixOffset(x, y):], whole, from)
		}
	}
	return small
}

// average writes the mean colour of a part of img to the four bytes at to.
func average(to []byte, img *image.RGBA, part image.Rectangle) {
	var sum [4]int
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := img.Pix[img.PixOffset(part.Min.X, y):img.PixOffset(part.Max.X, y)]
		for i, v := range row {
			sum[i%4] += int(v)
		}
	}
	for i, n := 0, part.Dx()*part.Dy(); i < 4; i++ {
		to[i] = byte(sum[i] / n)
	}
}
