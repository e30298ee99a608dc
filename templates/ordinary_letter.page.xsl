<?xml version="1.0" encoding="UTF-8"?>
<!-- Surat biasa as a printable page (F4, layout A of the letter rules): letterhead on the first page only, addressee under the date on the
     right, signature block in the right half, copies lower left. The list of addressees is a page of its own, signed at its end. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:l="urn:mtagw:letter:1"
                exclude-result-prefixes="l">
  <xsl:import href="common.xsl"/>
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:strip-space elements="*"/>
  <xsl:preserve-space elements="l:p l:td l:strong l:em"/>
  <xsl:param name="p-style" select="''"/>

  <xsl:template match="/l:letter">
    <xsl:call-template name="check-capacity"/>
    <html lang="id">
      <head>
        <title><xsl:value-of select="concat(l:subject, ' (', l:number, ')')"/></title>
        <meta name="author" content="{$from/l:agency_name}"/>
        <xsl:if test="l:date"><meta name="dcterms.created" content="{l:date}"/></xsl:if>
        <style><xsl:call-template name="style"/></style>
      </head>
      <body>
        <div class="foot"><xsl:call-template name="foot"/></div>
        <xsl:if test="l:security_class = 'secret' or l:security_class = 'top_secret'">
          <div class="class"><xsl:value-of select="substring('SRR', 1 + 2 * number(l:security_class = 'secret'), 1 + number(l:security_class = 'top_secret'))"/></div>
        </xsl:if>
        <xsl:call-template name="letterhead"/>
        <xsl:call-template name="head"/>
        <div class="text"><xsl:apply-templates select="l:body" mode="html"/></div>
        <xsl:call-template name="signature"/>
        <xsl:call-template name="copies"/>
        <xsl:if test="$listed"><xsl:call-template name="address-list"/></xsl:if>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="style">
    <xsl:text>
    @page { size: 215mm 330mm; margin: 20mm 20mm 25mm 30mm; @bottom-left { content: element(foot); width: 100%; vertical-align: top; padding-top: 4mm } }
    @page :first { margin-top: 12mm }
    body { font-family: "Liberation Sans", Arial, sans-serif; font-size: 12pt; line-height: 1.3; margin: 0; color: #000; overflow-wrap: anywhere }
    .foot { position: running(foot); border-top: 0.5pt solid #000; padding-top: 1mm; font-size: 6.5pt; line-height: 1.3; text-align: left }
    .class { position: absolute; left: -18mm; top: 0; font-size: 14pt; font-weight: bold; color: #c00000; border: 1.2pt solid #c00000; padding: 0.5mm 2mm }
    .kop { display: table; width: 100%; border-bottom: 3.5pt double #000; padding-bottom: 2.5mm; margin-bottom: 5mm }
    .kop .arms { display: table-cell; width: 24mm; vertical-align: middle }
    .kop .arms svg { display: block; width: 20mm; height: 25mm }
    .kop .lines { display: table-cell; vertical-align: middle; text-align: center; padding-right: 12mm }
    .kop.top { text-align: center } .kop.top svg { display: block; margin: 0 auto 2mm auto; width: 22mm; height: 24mm }
    .government { font-size: 14pt; line-height: 1.2 } .agency { font-size: 21pt; font-weight: bold; line-height: 1.1 } .address { font-size: 7pt; line-height: 1.35 }
    .kop.top .government { font-weight: bold; font-size: 16pt; letter-spacing: 0.5pt }
    table { border-collapse: collapse } td { vertical-align: top; padding: 0 } td.y, td.n, td.l, td.c { white-space: nowrap }
    .head { width: 100%; margin-bottom: 6mm } .head .left { width: 56% ; padding-right: 6mm } .head .right { width: 44% }
    .labels td.l { width: 20mm } .labels td.c { width: 4mm }
    .to td.y { width: 11mm } .to td.n { width: 6mm }
    .place { text-decoration: underline; padding-left: 8mm }
    .text { text-align: justify }
    .text p.body { margin: 0 0 3mm 0; text-indent: 12.5mm; orphans: 2; widows: 2 }
    .text table { margin: 0 0 3mm 0 } .text table table { margin: 0 } .text table.list table.list { margin: 0 }
    .text table.rows { margin-left: 12.5mm } .text td { text-align: justify }
    .sign { margin: 6mm 0 0 50%; break-inside: avoid }
    .sign .duty { display: table } .sign .duty > div { display: table-row } .sign .duty span { display: table-cell } .sign .duty span.cap { white-space: nowrap; padding-right: 1.5mm }
    .box { border: 0.6pt solid #444; border-radius: 1mm; padding: 1.5mm 2mm; margin: 3mm 0; font-size: 8pt; line-height: 1.3; color: #222 }
    .name { font-weight: bold }
    .copies { margin-top: 6mm; font-size: 11pt; break-inside: avoid; width: 75% } .copies td.n { width: 6mm }
    .list-page { break-before: page } .list-head { margin-left: 45%; margin-bottom: 8mm } .list-head td.l { width: 20mm } .list-head td.c { width: 4mm }
    .list-title { text-align: center; font-weight: bold; margin-bottom: 4mm } .list-page td.n { width: 9mm }
    </xsl:text>
  </xsl:template>

  <!-- Line 1 are the statutory words of every electronic letter; line 2 says how the origin is checked and no more than a seal proves. -->
  <xsl:template name="foot">
    <xsl:text>UU ITE No 11 Tahun 2008 Pasal 5 Ayat 1 &#x201c;Informasi Elektronik dan/atau Dokumen Elektronik dan/atau hasil cetaknya merupakan alat bukti hukum yang sah&#x201d;</xsl:text>
    <xsl:if test="$seal = 'yes' and $from/@registry">
      <br/>
      <xsl:text>Surat ini dikirim sebagai surel bersegel OpenPGP dari </xsl:text><xsl:value-of select="$from/@registry"/>
      <xsl:text>; asal dan keutuhannya diperiksa pada segel surel itu.</xsl:text>
    </xsl:if>
  </xsl:template>

  <xsl:template name="letterhead">
    <xsl:variable name="lines" select="l:from/l:letterhead/l:line"/>
    <xsl:choose>
      <xsl:when test="l:from/l:letterhead/@kind = 'mayor'">
        <div class="kop top">
          <!-- Place of the national emblem. -->
          <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 48" width="22mm" height="24mm">
            <path d="M22 3 L42 12 L36 17 L41 22 L34 26 L36 32 L28 34 L22 46 L16 34 L8 32 L10 26 L3 22 L8 17 L2 12 Z" fill="#e8c765" stroke="#8a6d1b" stroke-width="1"/>
            <path d="M22 14 L30 17 L29 26 L22 32 L15 26 L14 17 Z" fill="#fff" stroke="#8a6d1b" stroke-width="1"/>
          </svg>
          <div class="government"><xsl:value-of select="$lines[1]"/></div>
          <xsl:for-each select="$lines[position() &gt; 1][. != '']"><div class="address"><xsl:value-of select="."/></div></xsl:for-each>
        </div>
      </xsl:when>
      <xsl:otherwise>
        <div class="kop">
          <div class="arms">
            <!-- Place of the city's coat of arms. -->
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 50" width="20mm" height="25mm">
              <path d="M2 4 H38 V26 C38 38 28 45 20 49 C12 45 2 38 2 26 Z" fill="#f4f4f4" stroke="#222" stroke-width="1.6"/>
              <path d="M5 7 H35 V15 H5 Z" fill="#2f5d8a"/>
              <path d="M20 18 L22.2 24.5 H29 L23.5 28.5 L25.6 35 L20 31 L14.4 35 L16.5 28.5 L11 24.5 H17.8 Z" fill="#caa63c"/>
              <path d="M8 37 Q14 34 20 37 T32 37" fill="none" stroke="#2f5d8a" stroke-width="1.6"/>
            </svg>
          </div>
          <div class="lines">
            <div class="government"><xsl:value-of select="$lines[1]"/></div>
            <div class="agency"><xsl:value-of select="$lines[2]"/></div>
            <xsl:for-each select="$lines[position() &gt; 2][. != '']"><div class="address"><xsl:value-of select="."/></div></xsl:for-each>
          </div>
        </div>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="head">
    <table class="head">
      <tr><td class="left"></td><td class="right"><xsl:value-of select="concat($from/l:place, ', ')"/><xsl:call-template name="date"/><xsl:if test="$main"><br/>Kepada</xsl:if></td></tr>
      <tr>
        <td class="left">
          <table class="labels">
            <tr><td class="l">Nomor</td><td class="c">:</td><td><xsl:value-of select="l:number"/></td></tr>
            <tr><td class="l">Sifat</td><td class="c">:</td><td><xsl:call-template name="sifat"/></td></tr>
            <tr><td class="l">Lampiran</td><td class="c">:</td><td><xsl:call-template name="lampiran"/></td></tr>
            <tr><td class="l">Hal</td><td class="c">:</td><td><xsl:value-of select="l:subject"/></td></tr>
          </table>
        </td>
        <td class="right"><xsl:call-template name="addressees"/></td>
      </tr>
    </table>
  </xsl:template>

  <xsl:template name="addressees">
    <table class="to">
      <xsl:choose>
        <xsl:when test="$listed"><tr><td class="y">Yth.</td><td>Daftar Terlampir</td></tr></xsl:when>
        <xsl:when test="count($main) = 1"><tr><td class="y">Yth.</td><td><xsl:value-of select="$main/l:name"/></td></tr></xsl:when>
        <xsl:otherwise>
          <xsl:for-each select="$main">
            <tr>
              <td class="y"><xsl:if test="position() = 1">Yth.</xsl:if></td>
              <td class="n"><xsl:value-of select="position()"/>.</td>
              <td><xsl:value-of select="l:name"/></td>
            </tr>
          </xsl:for-each>
        </xsl:otherwise>
      </xsl:choose>
    </table>
    <xsl:if test="$main">
      <div>di -</div>
      <div><span class="place"><xsl:call-template name="place-capitals"/></span></div>
    </xsl:if>
  </xsl:template>

  <xsl:template name="signature">
    <div class="sign">
      <div class="duty">
        <xsl:choose>
          <xsl:when test="$from/l:delegator_block">
            <div><span class="cap">a.n.</span><span><xsl:value-of select="$from/l:delegator_block"/></span></div>
            <xsl:if test="$from/l:via_block">
              <div><span></span><span><xsl:value-of select="$from/l:via_block"/>,</span></div>
              <div><span class="cap">u.b.</span><span></span></div>
            </xsl:if>
            <div><span></span><span><xsl:call-template name="acting"/><xsl:value-of select="$from/l:block"/>,</span></div>
          </xsl:when>
          <xsl:when test="$from/@capacity != 'substantive'">
            <div><span class="cap"><xsl:call-template name="acting"/></span><span><xsl:value-of select="$from/l:block"/>,</span></div>
            <xsl:if test="$from/l:own_post_block"><div><span></span><span><xsl:value-of select="$from/l:own_post_block"/>,</span></div></xsl:if>
          </xsl:when>
          <xsl:otherwise><div><span><xsl:value-of select="$from/l:block"/>,</span></div></xsl:otherwise>
        </xsl:choose>
      </div>
      <!-- Says what was done, not what a certificate would prove. -->
      <div class="box">
        <xsl:text>Diterbitkan secara elektronik</xsl:text>
        <xsl:if test="$seal = 'yes'"> dengan segel surel OpenPGP</xsl:if>
        <xsl:text> oleh </xsl:text><xsl:value-of select="$from/l:agency_name"/>
        <xsl:if test="l:number"><br/>Nomor <xsl:value-of select="l:number"/></xsl:if>
      </div>
      <xsl:if test="$from/l:holder/l:name"><div class="name"><xsl:value-of select="$from/l:holder/l:name"/></div></xsl:if>
      <xsl:if test="$from/l:holder/@print_rank = 'yes'">
        <xsl:if test="$from/l:holder/l:rank_title"><div><xsl:value-of select="$from/l:holder/l:rank_title"/></div></xsl:if>
        <xsl:if test="$from/l:holder/l:nip"><div>NIP. <xsl:value-of select="$from/l:holder/l:nip"/></div></xsl:if>
      </xsl:if>
    </div>
  </xsl:template>

  <xsl:template name="copies">
    <xsl:if test="$copies">
      <div class="copies">
        <div>Tembusan:</div>
        <table>
          <xsl:for-each select="$copies">
            <tr>
              <xsl:if test="last() &gt; 1"><td class="n"><xsl:value-of select="position()"/>.</td></xsl:if>
              <td><xsl:value-of select="concat('Yth. ', l:name, substring(';.', 1 + number(position() = last()), 1))"/></td>
            </tr>
          </xsl:for-each>
        </table>
      </div>
    </xsl:if>
  </xsl:template>

  <xsl:template name="address-list">
    <div class="list-page">
      <table class="list-head">
        <tr><td colspan="3">Lampiran Surat <xsl:call-template name="acting"/><xsl:value-of select="$from/l:title"/></td></tr>
        <tr><td class="l">Nomor</td><td class="c">:</td><td><xsl:value-of select="l:number"/></td></tr>
        <tr><td class="l">Tanggal</td><td class="c">:</td><td><xsl:call-template name="date"/></td></tr>
        <tr><td class="l">Hal</td><td class="c">:</td><td><xsl:value-of select="l:subject"/></td></tr>
      </table>
      <div class="list-title">DAFTAR PENERIMA SURAT</div>
      <table>
        <xsl:for-each select="$main">
          <tr><td class="n"><xsl:value-of select="position()"/>.</td><td><xsl:value-of select="concat('Yth. ', l:name, substring(';.', 1 + number(position() = last()), 1))"/></td></tr>
        </xsl:for-each>
      </table>
      <xsl:call-template name="signature"/>
    </div>
  </xsl:template>
</xsl:stylesheet>
