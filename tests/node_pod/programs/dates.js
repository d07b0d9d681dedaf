console.log(new Date(0).toString(), process.env.TZ, Intl.DateTimeFormat().resolvedOptions().timeZone);
process.env.TZ = 'Asia/Tokyo'; console.log(new Date(0).toString());
