console.log('äöü → 😀', '\u{1F600}'.length, Buffer.from('é').length, 'ı'.toLocaleUpperCase('tr'));
console.log(new Intl.NumberFormat('de-DE').format(1234567.89), Intl.DateTimeFormat().resolvedOptions().locale);
