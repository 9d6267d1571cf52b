export const workspaceRoot: string;
export function findNode24(): string;
export function envFor(node: string): NodeJS.ProcessEnv;
export function isAtLeast(version: string, least: string): boolean;
