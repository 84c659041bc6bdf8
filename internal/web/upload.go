package web

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
)

// File is a file of a form.
type File struct {
	Data    []byte // nil: none was chosen
	TooLong bool   // it had more bytes than the form takes; Data is empty then
}

// maxUpload is the longest body of a form with a file. A file that is longer than its form takes is read up to here,
// so that the page can say so.
const maxUpload = 4 << 20

// PostFile registers a form with a file. It is Post, but reads no body: the handler does that with ReadFile, when it
// knows that the person may send one.
func (m *Mux) PostFile(pattern string, h Handler) {
	m.addLimited("form", http.MethodPost, pattern, maxUpload, func(rw http.ResponseWriter, r *http.Request) error {
		if !m.web.sameOrigin(r) {
			return errCrossOrigin
		}
		return h(rw, r)
	})
}

// ReadFile fills r.PostForm from a multipart body as strictly as ParseForm, and returns the one file in it, which has
// the given name and at most limit bytes. What a browser says about the file, its name and its type, is not read. The
// fields before the file are kept where it is too long. A form without a file may come urlencoded.
func ReadFile(rw http.ResponseWriter, r *http.Request, name string, limit int) (f File, err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return f, ParseForm(rw, r)
	}
	if params["boundary"] == "" {
		return f, errMalformed
	}
	in := upload{fields: url.Values{}, name: name, limit: limit}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = in.read(part)
		}
		if err != nil {
			return f, bodyError(err)
		}
	}
	if !clean(in.fields, nil) {
		return f, errMalformed
	}
	r.PostForm, r.Form = in.fields, in.fields
	return in.file, nil
}

// upload is what was read of a form with a file.
type upload struct {
	fields url.Values
	size   int // of the fields
	name   string
	limit  int
	file   File
	seen   bool
}

func (u *upload) read(part *multipart.Part) error {
	if part.FormName() != u.name {
		value, err := io.ReadAll(io.LimitReader(part, maxBody+1))
		if u.size += len(value) + len(part.FormName()); err == nil && u.size > maxBody {
			err = &http.MaxBytesError{Limit: maxBody}
		}
		if u.fields.Has(part.FormName()) {
			return errMalformed
		}
		u.fields.Set(part.FormName(), string(value))
		return err
	}
	if u.seen {
		return errMalformed
	}
	u.seen = true
	data, err := io.ReadAll(io.LimitReader(part, int64(u.limit)+1))
	switch {
	case len(data) > u.limit:
		u.file = File{TooLong: true}
	case len(data) > 0:
		u.file = File{Data: data}
	}
	return err
}
