import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs a program of Node's and gives what it prints; when it fails, that is the error. */
export async function node(parameters: readonly string[], cwd = '.'): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, parameters, { cwd })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(stdout + stderr, { cause: error })
  }
}
