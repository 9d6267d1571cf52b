console.log('k2', process.argv.slice(2).join(' '));
