export function start(app) {}
