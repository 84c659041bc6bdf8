// A camera: it is given the pixels of a picture and says what the QR code in it holds.
import jsQR from 'jsqr'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const { width, height, rgba } = JSON.parse(Buffer.concat(chunks))
const found = jsQR(new Uint8ClampedArray(Buffer.from(rgba, 'base64')), width, height)
process.stdout.write(found ? found.data : '')
