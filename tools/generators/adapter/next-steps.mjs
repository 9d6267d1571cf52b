/** What to do with a project just made. */
export function nextSteps({ directory, fileName, project, packageName, portType, setting }) {
  return `
${directory} is a scaffold: it compiles and lints, and its contract test fails until every method is written.

  1. npm install                            links ${packageName}, and notes it in package-lock.json
  2. ${directory}/${fileName}.ts
                                            write the methods; libs/ports says what each has to do
  3. npm run nx -- test ${project}
                                            red now; each case names one thing that every ${portType} does
  4. ${setting}=${packageName} npm start
                                            once it is green: K2 runs on it

docs/guides/write-an-adapter.md walks through all of it.
`;
}
