// A camera: it is given the pixels of pictures and says what the QR code in each holds.
import jsQR from 'jsqr'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const said = JSON.parse(Buffer.concat(chunks)).map(({ width, height, rgba }) => {
  const found = jsQR(new Uint8ClampedArray(Buffer.from(rgba, 'base64')), width, height)
  return found ? found.data : ''
})
process.stdout.write(JSON.stringify(said))
