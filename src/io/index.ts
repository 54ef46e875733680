export { load, metadata, type SaveOptions, save } from './safetensors.ts'
